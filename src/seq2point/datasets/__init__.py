"""Raw data sets: what a source gives, the sources, and the conversion to one file a house."""
