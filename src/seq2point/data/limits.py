"""What a reading of power can be: beyond these it is a mistake of the meter, of its unit, or of who reads it."""

ABSURD_W = 100_000.0  # more than a house can draw, in a table whose meter is not known
HOUSE_LIMIT_W = 32_766.0  # a house of the data sets; 32767 is what a meter of sixteen bits says when it fails
PLUG_LIMIT_W = 4000.0
NOISE_W = 1.0
KILOWATTS_BELOW = 30.0  # mains that never exceed this are kilowatts
