"""Pure functions from outcomes to numbers; weights in, so that items can be resampled. No model, no file."""
