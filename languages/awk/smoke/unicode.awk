BEGIN { printf "Grüße, 世界 🚀" }
