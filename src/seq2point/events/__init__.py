"""Decisions by event: the networks' predictions become loads that switch on and off."""

from seq2point.events.activation_table import Activation, find_activations, write_activations
from seq2point.events.causal import CausalDecider
from seq2point.events.choice import EventCase, EventChoice, choose_settings
from seq2point.events.decision import LEAST_DAYS, Decisions, decide, find_delay_s
from seq2point.events.segmentation import Event, find_events
from seq2point.events.settings import EventSettings

__all__ = [
    "LEAST_DAYS",
    "Activation",
    "CausalDecider",
    "Decisions",
    "Event",
    "EventCase",
    "EventChoice",
    "EventSettings",
    "choose_settings",
    "decide",
    "find_activations",
    "find_delay_s",
    "find_events",
    "write_activations",
]
