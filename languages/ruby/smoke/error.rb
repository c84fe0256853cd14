raise ArgumentError, "nobody rescues this"
