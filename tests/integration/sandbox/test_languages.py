"""What real runtimes need of the two filters and of the container: they shall not notice either."""
from wire import Limits, MIB

ROOMY = {"memory": 512 * MIB}
SLOW = Limits(cpu_us=20_000_000, wall_us=60_000_000, memory_bytes=512 * MIB, open_files=256)


def test_python_multiprocessing_threads_and_sockets(python):
    source = """
import asyncio, concurrent.futures, multiprocessing, socket, subprocess, tempfile, threading
def square(x): return x * x
if __name__ == '__main__':
    with multiprocessing.Pool(3) as pool: print(pool.map(square, range(5)))
    with concurrent.futures.ProcessPoolExecutor(2) as pool: print(sum(pool.map(square, range(5))))
    multiprocessing.set_start_method('spawn', force=True)
    q = multiprocessing.Queue(); q.put(1); print(q.get())
    m = multiprocessing.shared_memory.SharedMemory(create=True, size=100) if hasattr(multiprocessing, 'shared_memory') else None
    if m: m.close(); m.unlink()
    t = threading.Thread(target=print, args=('thread',)); t.start(); t.join()
    print(asyncio.run(asyncio.sleep(0, 'async')))
    print(subprocess.run(['cat'], input=b'sub', stdout=subprocess.PIPE).stdout)
    a, b = socket.socketpair(); a.send(b'pair'); print(b.recv(9))
    with tempfile.NamedTemporaryFile() as f: print(f.name.startswith('/tmp/'))
"""
    done = python(source, limits=SLOW)
    assert done.stdout.decode().split("\n") == [
        "[0, 1, 4, 9, 16]", "30", "1", "thread", "async", "b'sub'", "b'pair'", "True", ""], done
    assert done.stderr == b"" and done.flags == 0


def test_node(execute):
    source = """
const fs = require('fs'), cp = require('child_process'), os = require('os'), wt = require('worker_threads');
console.log(fs.readFileSync(0, 'utf8').trim(), fs.existsSync('/dev/stdin'));
new wt.Worker("require('worker_threads').parentPort.postMessage('worker')", {eval: true}).on('message', m => {
  console.log(m, cp.execSync('echo child').toString().trim());
  require('http').get('http://10.1.2.3/', {timeout: 500}).on('error', e => console.log('no network'));
});
"""
    done = execute("javascript", ["node", "main.js"], [("main.js", source)], stdin=b"input", limits=SLOW, **ROOMY)
    assert done.stdout == b"input true\nworker child\nno network\n", done
    assert done.exit_code == 0 and done.flags == 0


def test_node_reads_dev_stdin(execute):
    done = execute("javascript", ["node", "main.js"],
                   [("main.js", "console.log(require('fs').readFileSync('/dev/stdin', 'utf8').length)")],
                   stdin=b"x" * 300_000, limits=SLOW, **ROOMY)
    assert done.stdout == b"300000\n", done


def test_java(execute):
    source = """
import java.util.*; import java.util.concurrent.*; import java.util.stream.*; import java.net.*; import java.nio.file.*;
public class Main {
    public static void main(String[] args) throws Exception {
        System.out.println(new Scanner(System.in).nextLine());
        ExecutorService pool = Executors.newFixedThreadPool(4);
        System.out.println(pool.submit(() -> IntStream.range(0, 1000).parallel().sum()).get());
        pool.shutdown();
        Files.writeString(Path.of("f.txt"), "file"); System.out.println(Files.readString(Path.of("f.txt")));
        System.out.println(new String(new ProcessBuilder("echo", "child").start().getInputStream().readAllBytes()).trim());
        try { new Socket().connect(new InetSocketAddress("10.1.2.3", 80), 500); } catch (Exception e) { System.out.println("no network"); }
        try (ServerSocket s = new ServerSocket(0)) { System.out.println(s.isBound()); } catch (Exception e) { System.out.println("no server"); }
    }
}
"""
    done = execute("java", ["java", "-Xmx128m", "-XX:+UseSerialGC", "-cp", ".", "Main"], [("Main.java", source)],
                   stdin="grüße\n".encode(), compile_argv=["javac", "-encoding", "UTF-8", "Main.java"], limits=SLOW, **ROOMY)
    lines = done.stdout.decode().splitlines()
    assert lines == ["grüße", "499500", "file", "child", "no network", "no server"], done
    assert done.exit_code == 0 and done.flags == 0


def test_c_with_threads_and_shared_memory(execute):
    source = r"""
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include <fcntl.h>
static void *work(void *p) { return p; }
int main(void) {
    pthread_t t; void *r; int x;
    if (pthread_create(&t, NULL, work, &x) || pthread_join(t, &r) || r != &x) return 1;
    int fd = shm_open("/s", O_CREAT | O_RDWR, 0600);
    if (fd < 0 || ftruncate(fd, 4096)) return 2;
    sem_t *s = sem_open("/sem", O_CREAT, 0600, 0);
    if (s == SEM_FAILED) return 3;
    if (fork() == 0) { sem_post(s); _exit(0); }
    sem_wait(s); wait(NULL); FILE *f = popen("echo popen", "r"); char b[9] = ""; fgets(b, 9, f); pclose(f);
    printf("%s", b); return 0;
}
"""
    done = execute("c", ["./main"], [("main.c", source)], compile_argv=["gcc", "-O2", "-pthread", "-o", "main", "main.c"])
    assert (done.stdout, done.exit_code, done.flags) == (b"popen\n", 0, 0), done


def test_cpp_iostreams(execute):
    source = "#include <iostream>\n#include <thread>\nint main(){std::string s;std::thread t([&]{std::cin>>s;});t.join();std::cout<<s<<std::endl;}"
    done = execute("cpp", ["./main"], [("main.cpp", source)], stdin=b"word",
                   compile_argv=["g++", "-O2", "-o", "main", "main.cpp"], **ROOMY)
    assert (done.stdout, done.flags) == (b"word\n", 0), done


def test_bash_heredoc_and_process_substitution(execute):
    script = "cat <<< here; cat <(echo subst); echo err > /dev/stderr; mkfifo p; (echo fifo > p &) ; cat p; coproc cat; kill %1"
    done = execute("bash", ["bash", "main.sh"], [("main.sh", script)])
    assert (done.stdout, done.exit_code) == (b"here\nsubst\nfifo\n", 0), done
    assert done.stderr.startswith(b"err\n")
