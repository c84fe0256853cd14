# A separator that occurs nowhere: all of the input is one record.
BEGIN { RS = "^$"; ORS = "" }
{ print }
