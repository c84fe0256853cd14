(print "Grüße, 世界 🚀")
(flush)
