"""Published constants are those of the paper; fitted ones follow from the training houses alone."""

import numpy as np
import pytest

from seq2point import DataError
from seq2point.appliances import APPLIANCES, find_appliance
from seq2point.recording.scaling import Scale, find_output_mismatch


def test_published_scaling_has_the_constants_of_the_paper():
    scale = Scale.published(
        [
            find_appliance(name)
            for name in ("kettle", "microwave", "fridge", "dishwasher", "washing machine")
        ]
    )
    assert (scale.mains_mean_w, scale.mains_std_w) == (522, 814)
    assert scale.appliance_mean_w == (700, 500, 200, 700, 400)
    assert scale.appliance_std_w == (1000, 800, 400, 1000, 700)


def test_a_fitted_scale_is_the_mean_and_deviation_of_all_readings(
    make_recording,
):
    rng = np.random.default_rng(0)
    mains, kettle = rng.uniform(0, 3000, 500), rng.uniform(0, 2000, 500)
    mains[[3, 250]], kettle[7:90] = np.nan, np.nan
    houses = [make_recording(mains[s], kettle=kettle[s]) for s in (slice(0, 100), slice(100, 500))]
    scale = Scale.fit([find_appliance("kettle")], houses)
    assert scale.mains_mean_w == pytest.approx(np.nanmean(mains), rel=1e-5)
    assert scale.mains_std_w == pytest.approx(np.nanstd(mains), rel=1e-5)
    assert scale.appliance_mean_w == pytest.approx([np.nanmean(kettle)], rel=1e-5)
    assert scale.appliance_std_w == pytest.approx([np.nanstd(kettle)], rel=1e-5)


def test_a_fitted_scale_depends_on_its_houses_alone(make_recording):
    training, test = (
        make_recording([1, 2, 3], kettle=[1, 2, 3]),
        make_recording([9e4] * 3, kettle=[9e4] * 3),
    )
    before = Scale.fit([find_appliance("kettle")], [training])
    assert before.mains_mean_w == before.appliance_mean_w[0] == 2.0
    assert before != Scale.fit([find_appliance("kettle")], [training, test])


def test_a_constant_series_still_has_a_scale_to_divide_by(make_recording):
    scale = Scale.fit([find_appliance("kettle")], [make_recording([100] * 50, kettle=[0] * 50)])
    assert scale.mains_std_w == scale.appliance_std_w[0] == 1.0


def test_fitting_where_the_appliance_was_never_read_is_refused(make_recording):
    with pytest.raises(DataError, match="home: no reading of 'kettle'"):
        Scale.fit([find_appliance("kettle")], [make_recording([1, 2], kettle=[np.nan, np.nan])])


def test_every_appliance_has_a_deviation_to_divide_by():
    assert all(std > 0 for std in Scale.published(list(APPLIANCES.values())).appliance_std_w)


def test_a_mismatch_of_outputs_is_named_by_its_field():
    kettle = find_appliance("kettle")
    scale = Scale.published([kettle])
    assert find_output_mismatch([kettle], scale, 1) is None
    assert find_output_mismatch([kettle], scale, 2) == (
        "appliances: has 1 entry for a network of 2 outputs"
    )
