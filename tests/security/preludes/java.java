
class Sandbox {
    static {
        try {
            if (!java.nio.file.Files.readString(java.nio.file.Path.of("/proc/1/comm")).equals("runlog-agent\n")) {
                System.out.println("BREACH: this is no sandbox");
                System.exit(99);
            }
        } catch (java.io.IOException error) {
            System.exit(99);
        }
    }

    static void only() { }

    static void refused(String what, java.util.concurrent.Callable<?> action) {
        try {
            System.out.println("BREACH: " + what + " " + action.call());
        } catch (Throwable error) {
            System.out.println(what + " refused: " + error);
        }
    }
}
