"""A search over training settings by Optuna: trial after trial, each a recipe of the study.

Optuna keeps nothing: before each few trials it is told all that came before, out of the study's own
results. So a search that was stopped goes on with the trials that it would have had.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import fmean
from typing import Any

from seq2point.choices import Device
from seq2point.studies.result_cache import ResultCache
from seq2point.studies.search_space import SettingRange, Settings, StudySearch
from seq2point.studies.study_file import Study
from seq2point.studies.study_plan import Failure, StudyPlan, find_results, plan_study
from seq2point.studies.study_run import MakeWorkers, OnResult, StudyResults, run_study

DIGITS = 4
"""Significant digits of what is drawn: more tell no two trainings apart."""
SEEDS_APART = 1_000_003


@dataclass
class Trials:
    """The trials of a search: their settings, and what came of them.

    That is NaN for one that failed and for one to do.
    """

    search: StudySearch
    settings: list[Settings] = field(default_factory=list)
    values_w: list[float] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """The trials in order, and the best one; None where each has failed."""
        trials: list[dict[str, Any]] = [
            {
                "recipe": self.search.name_trial(i),
                "settings": settings,
                "val_mae_w": None if math.isnan(value_w) else value_w,
            }
            for i, (settings, value_w) in enumerate(zip(self.settings, self.values_w, strict=True))
        ]
        made = [trial for trial in trials if trial["val_mae_w"] is not None]
        return {"trials": trials, "best": min(made, key=lambda t: t["val_mae_w"], default=None)}


@dataclass
class SearchPreview:
    """What a search has and would do next: its trials up to the next few.

    `plan` has the parts of all `trials`, and `found` those results that are there, by key. The last
    trials have no value yet, unless the search is through. `open_trials` is how many follow from
    theirs: nobody knows their settings.
    """

    plan: StudyPlan
    found: dict[str, dict[str, Any]]
    trials: Trials
    open_trials: int

    def as_json(self) -> dict[str, Any]:
        """The trials with their state, the best one that is there, and how many are open."""
        report = self.trials.as_json()
        for trial, state in zip(report["trials"], self._list_states(), strict=True):
            trial["state"] = state
        return report | {"open_trials": self.open_trials}

    def _list_states(self) -> list[str]:
        to_do = {p.settings["recipe"] for p in self.plan.parts if p.key not in self.found}
        names = map(self.trials.search.name_trial, range(len(self.trials.settings)))
        return ["to do" if name in to_do else "there" for name in names]


def preview_search(
    study: Study, search: StudySearch, data: Path, cache: ResultCache
) -> SearchPreview:
    """Return what a search has and would do next; it trains nothing.

    Raises as `run_search` does.
    """
    plan, trials, found = StudyPlan(), Trials(search), dict[str, dict[str, Any]]()
    while len(trials.settings) < search.trials:
        names, next_plan = _plan_next(study, trials, data)
        results = StudyResults(find_results(next_plan, cache), next_plan.refused)
        plan.extend(next_plan)
        found |= results.by_key
        is_through = all(part.key in found for part in next_plan.parts)
        trials.values_w += [
            _measure_trial(name, next_plan, results) if is_through else math.nan for name in names
        ]
        if not is_through:
            break
    return SearchPreview(plan, found, trials, search.trials - len(trials.settings))


def run_search(
    study: Study,
    search: StudySearch,
    data: Path,
    cache: ResultCache,
    make: MakeWorkers,
    device: Device = "auto",
    on_result: OnResult = lambda _: None,
    on_skip: Callable[[int], None] = lambda _: None,
) -> tuple[StudyPlan, StudyResults, Trials]:
    """Work off all trials of a study; return their parts, results and values.

    `on_result` is called with each part that was worked on, and before the next few trials
    `on_skip` with how many of their parts need no work. Raises ModuleNotFoundError without Optuna.
    """
    plan, trials = StudyPlan(), Trials(search)
    by_key: dict[str, dict[str, Any]] = {}
    failed: list[Failure] = []
    while len(trials.settings) < search.trials:
        names, next_plan = _plan_next(study, trials, data)
        to_do = {part.key for part in next_plan.parts} - set(find_results(next_plan, cache))
        on_skip(len(next_plan.parts) + len(next_plan.refused) - len(to_do))
        results = run_study(next_plan, cache, make, device, on_result)
        trials.values_w += [_measure_trial(name, next_plan, results) for name in names]
        plan.extend(next_plan)
        by_key |= results.by_key
        failed += results.failed
    return plan, StudyResults(by_key, failed), trials


def _plan_next(study: Study, trials: Trials, data: Path) -> tuple[list[str], StudyPlan]:
    """Add the settings of the next few trials; return their names, and their parts."""
    first = len(trials.settings)
    trials.settings += propose_trials(trials)
    numbers = range(first, len(trials.settings))
    recipes = {trials.search.name_trial(i): trials.settings[i] for i in numbers}
    grid = study.grid.model_copy(update={"recipes": recipes})
    return list(recipes), plan_study(replace(study, grid=grid), data)


def propose_trials(trials: Trials) -> list[Settings]:
    """Return the settings of the next few trials, by those that came before and the seed alone."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    search, done = trials.search, len(trials.settings)
    seed = (search.seed * SEEDS_APART + done) % 2**32
    sampler = (
        optuna.samplers.RandomSampler(seed)
        if search.sampler == "random"
        else optuna.samplers.TPESampler(seed=seed)
    )
    space = {name: _make_distribution(each) for name, each in search.settings.items()}
    study = optuna.create_study(sampler=sampler)
    for settings, value_w in zip(trials.settings, trials.values_w, strict=True):
        if not math.isnan(value_w):
            study.add_trial(
                optuna.trial.create_trial(params=settings, distributions=space, value=value_w)
            )
    count = min(search.at_a_time, search.trials - done)
    drawn = [study.ask(space).params for _ in range(count)]
    return [{name: _shorten(value) for name, value in each.items()} for each in drawn]


def _make_distribution(values: SettingRange) -> Any:
    from optuna import distributions

    if values.choices:
        return distributions.CategoricalDistribution(values.choices)
    options: dict[str, Any] = {"low": values.low, "high": values.high, "log": values.log}
    if values.is_whole:
        return distributions.IntDistribution(**options, step=int(values.step or 1))
    return distributions.FloatDistribution(**options, step=values.step)


def _shorten(value: Any) -> Any:
    return float(f"{value:.{DIGITS}g}") if isinstance(value, float) else value


def _measure_trial(name: str, plan: StudyPlan, results: StudyResults) -> float:
    """Return the validation error in watts of a trial's networks; NaN unless all are there."""
    own = [part for part in plan.parts if part.settings["recipe"] == name]
    lacks = any(failure.settings["recipe"] == name for failure in results.failed)
    if lacks or not own:
        return math.nan
    return fmean(_find_error_w(results.by_key[part.key]) for part in own)


def _find_error_w(result: Mapping[str, Any]) -> float:
    """Return the validation error of the weights that a training kept."""
    history: Sequence[Mapping[str, float]] = result["history"]
    return next(r["val_mae_w"] for r in history if r["step"] == result["best_step"])
