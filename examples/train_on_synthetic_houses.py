"""Train on simulated houses alone and test on real ones: what is the simulator worth?

python examples/train_on_synthetic_houses.py kettle --budget 120 --test house1.parquet --test
house2.parquet
"""

import argparse

import seq2point


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("appliance")
    parser.add_argument(
        "--houses", type=int, default=12, help="simulated houses to train on; two more validate"
    )
    parser.add_argument("--days", type=float, default=28)
    parser.add_argument("--window", type=int, default=299)
    parser.add_argument("--budget", type=float, default=120, help="seconds of training")
    parser.add_argument("--test", action="append", required=True, metavar="FILE")
    asked = parser.parse_args()

    tests = [seq2point.load_recording(path, [asked.appliance]) for path in asked.test]
    for period_s in sorted({recording.period_s for recording in tests}):
        houses = [
            seq2point.simulate_house(seed, asked.days, period_s, [asked.appliance])
            for seed in range(asked.houses + 2)
        ]
        model = seq2point.train(
            houses[:-2],
            asked.appliance,
            validation=houses[-2:],
            network="reduced",
            window=asked.window,
            budget_s=asked.budget,
            progress=False,
        )
        for path, recording in zip(asked.test, tests, strict=True):
            if recording.period_s == period_s:
                found = seq2point.evaluate(model, [recording])
                ours, zero = (
                    found.metrics[asked.appliance],
                    found.baselines["zero"][asked.appliance],
                )
                shown = "  ".join(
                    f"{name} {ours[name]:.3f}"
                    for name in ("mae_w", "on_mae_w", "sae", "nde", "f1", "mcc")
                )
                print(
                    f"{asked.appliance} {path}: {shown}  (zero predictor: mae_w"
                    f" {zero['mae_w']:.3f})",
                    flush=True,
                )


if __name__ == "__main__":
    main()
