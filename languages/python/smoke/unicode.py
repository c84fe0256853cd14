print("Grüße, 世界 🚀", end="")
