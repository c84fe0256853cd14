printf '%s' 'Grüße, 世界 🚀'
