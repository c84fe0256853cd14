process.stdout.write("Grüße, 世界 🚀");
