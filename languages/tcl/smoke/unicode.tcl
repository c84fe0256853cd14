puts -nonewline "Grüße, 世界 🚀"
