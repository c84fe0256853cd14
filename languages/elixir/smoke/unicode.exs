IO.write("Grüße, 世界 🚀")
