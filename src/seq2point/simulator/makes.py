"""The makes of the appliances that people start: what draws one, by appliance."""

from seq2point.simulator.dishwashers import make_dishwasher
from seq2point.simulator.kettles import make_kettle
from seq2point.simulator.microwaves import make_microwave
from seq2point.simulator.washing_machines import make_washing_machine
from seq2point.simulator.waveforms import MakeAppliance

MAKES: dict[str, MakeAppliance] = {
    "kettle": make_kettle,
    "microwave": make_microwave,
    "dishwasher": make_dishwasher,
    "washing_machine": make_washing_machine,
}
