(display "Grüße, 世界 🚀")
