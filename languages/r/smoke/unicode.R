cat("Grüße, 世界 🚀")
