"""The parts of the section on one data set and model, one a file: `PART` computes, then draws."""
