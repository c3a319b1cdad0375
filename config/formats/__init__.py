"""How dates are written where Django's own choice does not fit: see `FORMAT_MODULE_PATH`."""
