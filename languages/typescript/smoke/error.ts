throw new RangeError("nobody catches this");
