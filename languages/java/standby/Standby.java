import java.io.FileDescriptor;
import java.io.FileInputStream;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.io.Writer;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import javax.tools.FileObject;
import javax.tools.ForwardingJavaFileManager;
import javax.tools.JavaCompiler;
import javax.tools.JavaFileManager;
import javax.tools.JavaFileObject;
import javax.tools.SimpleJavaFileObject;
import javax.tools.ToolProvider;
import jdk.internal.access.SharedSecrets;

/** A javac that waits for its sources (sandbox/agent/standby.h). It has compiled before, in memory, programs of its own:
 * its classes are loaded and what is used most is machine code. Then it is the javac that it was told to be, by the entry
 * that the command itself uses, so that messages and exit codes are javac's. */
public final class Standby {
    private static final int CONTROL = 3;
    private static final int REHEARSALS = 1; // a second one has been measured to gain nothing

    /** What most programs have; a larger one would cost each container more than it saves its one compilation. */
    private static final String SMALL = """
            import java.util.*;
            public class Main {
                public static void main(String[] args) {
                    Scanner in = new Scanner(System.in);
                    List<Integer> numbers = new ArrayList<>();
                    while (in.hasNextInt()) {
                        numbers.add(in.nextInt());
                    }
                    int sum = 0;
                    for (int number : numbers) {
                        sum += number;
                    }
                    System.out.println("sum: " + sum);
                }
            }
            """;

    private static volatile boolean called;

    /** What the compiler writes while it rehearses goes nowhere. */
    private static final class Nowhere extends ForwardingJavaFileManager<JavaFileManager> {
        Nowhere(JavaFileManager manager) {
            super(manager);
        }

        @Override
        public JavaFileObject getJavaFileForOutput(Location location, String name, JavaFileObject.Kind kind, FileObject near) {
            return new SimpleJavaFileObject(URI.create("mem:///" + name), kind) {
                @Override
                public OutputStream openOutputStream() {
                    return OutputStream.nullOutputStream();
                }
            };
        }
    }

    private static void rehearse(String text) throws IOException {
        JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
        JavaFileObject source = new SimpleJavaFileObject(URI.create("mem:///Main.java"), JavaFileObject.Kind.SOURCE) {
            @Override
            public CharSequence getCharContent(boolean ignoreErrors) {
                return text;
            }
        };
        try (JavaFileManager files = new Nowhere(compiler.getStandardFileManager(null, null, StandardCharsets.UTF_8))) {
            Writer unread = new StringWriter();
            compiler.getTask(unread, files, null, List.of("-proc:none"), null, List.of(source)).call();
        }
    }

    private static List<String> words(byte[] packet, int size) {
        List<String> words = new ArrayList<>();
        int begin = 0;
        for (int i = 0; i < size; i++) {
            if (packet[i] == 0) {
                words.add(new String(packet, begin, i - begin, StandardCharsets.UTF_8));
                begin = i + 1;
            }
        }
        return words;
    }

    /** Options of the launcher were given to this process when it was started: the first ones of the command, as `own` says.
     * Any other, or a file of options, is for a javac of its own. */
    private static boolean isMine(List<String> argv, List<String> own) {
        if (argv.size() < own.size() || !argv.subList(0, own.size()).equals(own)) {
            return false;
        }
        return argv.subList(own.size(), argv.size()).stream().noneMatch(word -> word.startsWith("-J") || word.startsWith("@"));
    }

    /** A large program, for the archive of classes. */
    private static void rehearseAll() {
        try (InputStream program = Standby.class.getResourceAsStream("/Main.java")) {
            String text = new String(program.readAllBytes(), StandardCharsets.UTF_8);
            rehearse(text);
        } catch (IOException exception) {
            throw new UncheckedIOException(exception);
        }
    }

    /** Until the job is there. One that comes early does not wait for the end: it shares the processor with what is left. */
    private static void rehearseUntilCalled() {
        try {
            for (int i = 0; i < REHEARSALS && !called; i++) {
                rehearse(SMALL);
            }
        } catch (IOException exception) {
            throw new UncheckedIOException(exception);
        }
    }

    public static void main(String[] own) throws IOException {
        if (own.length == 0) {
            rehearseAll(); // while the image is built: for the archive of classes
            return;
        }
        FileDescriptor control = new FileDescriptor();
        SharedSecrets.getJavaIOFileDescriptorAccess().set(control, CONTROL);
        FileInputStream in = new FileInputStream(control);
        FileOutputStream out = new FileOutputStream(control);
        Thread rehearsal = new Thread(Standby::rehearseUntilCalled);
        rehearsal.setDaemon(true);
        rehearsal.start();
        out.write('R');
        byte[] packet = new byte[1 << 16];
        List<String> argv = words(packet, Math.max(in.read(packet), 0));
        called = true;
        if (!isMine(argv, Arrays.asList(own))) {
            Runtime.getRuntime().halt(1);
        }
        out.write('Y');
        out.close();
        System.exit(com.sun.tools.javac.Main.compile(argv.subList(own.length, argv.size()).toArray(new String[0])));
    }
}
