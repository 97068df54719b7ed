"""Properties that hold for any input, tried by hypothesis and by atheris, which both call the same functions."""
