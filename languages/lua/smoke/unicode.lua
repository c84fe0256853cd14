io.write("Grüße, 世界 🚀")
