<?php
// Nothing but a line read: the interpreter brings what it needs.
echo fgets(STDIN);
