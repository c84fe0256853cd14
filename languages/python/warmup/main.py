"""Imports what programs import most, so that the names of those files are in the image's list."""
import argparse, array, base64, bisect, collections, contextlib, copy, csv, dataclasses, datetime, decimal, enum
import fractions, functools, hashlib, heapq, io, itertools, json, logging, math, operator, os, pathlib, queue, random
import re, statistics, string, struct, subprocess, sys, textwrap, threading, time, traceback, typing, unicodedata, uuid

print(input())
