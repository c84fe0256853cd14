(write-string "Grüße, 世界 🚀")
