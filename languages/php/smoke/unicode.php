<?php
echo "Grüße, 世界 🚀";
