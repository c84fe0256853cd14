import ctypes, errno, os, sys
if open('/proc/1/comm').read() != 'runlog-agent\n' or os.getuid() == 0:
    print('BREACH: this is no sandbox')
    os._exit(99)


def refused(what, action):
    try:
        got = action()
    except (OSError, ValueError) as error:
        print(what, 'refused:', getattr(error, 'strerror', None) or error, flush=True)
    else:
        print('BREACH:', what, repr(got)[:200], flush=True)


libc = ctypes.CDLL(None, use_errno=True)


def called(result):
    """For refused(): raises what a C function left in errno."""
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result


