#!/usr/bin/env bash
# Expected: one `sendMessage` is one POST; where the reply is lost, it throws, and the caller decides.
# Seen: Mailgun's client for Java sends the same POST five times before it throws, so that up to five mails go out.
# Matters: each of them has a message id of its own that the sender never sees, while its events arrive here as those of
# ordinary mail. Only a variable of one's own (`v:my-id`) shows that they are copies. `retryer(Retryer.NEVER_RETRY)` of
# the client's builder prevents it.
# Version: mailgun-java 2.1.0.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
cat >pom.xml <<'POM'
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>finding</groupId>
  <artifactId>finding</artifactId>
  <version>1</version>
  <dependencies>
    <dependency>
      <groupId>com.mailgun</groupId>
      <artifactId>mailgun-java</artifactId>
      <version>2.1.0</version>
    </dependency>
  </dependencies>
</project>
POM
mvn -q -B org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies -DincludeScope=runtime -DoutputDirectory=lib >&2
cat >Find.java <<'JAVA'
import com.mailgun.api.v3.MailgunMessagesApi;
import com.mailgun.client.MailgunClient;
import com.mailgun.model.message.Message;
import feign.FeignException;
import feign.Logger;
import feign.Retryer;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.util.concurrent.atomic.AtomicInteger;

class Find {
  /** Posts that came in whole; each connection is closed without a reply. */
  static final AtomicInteger posts = new AtomicInteger();

  public static void main(String[] arguments) throws Exception {
    var server = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
    var accepting = new Thread(() -> acceptAll(server));
    accepting.setDaemon(true);
    accepting.start();
    String url = "http://127.0.0.1:" + server.getLocalPort() + "/";

    int usual = postsOf(MailgunClient.config(url, "key"));
    int single = postsOf(MailgunClient.config(url, "key").retryer(Retryer.NEVER_RETRY));
    System.out.println("mailgun-java 2.1.0");
    System.out.println("POSTs of one sendMessage whose reply is lost: " + usual);
    System.out.println("the same with Retryer.NEVER_RETRY: " + single);
    if (usual != 5 || single != 1) {
      System.out.println("The client repeats a send otherwise than before.");
      System.exit(1);
    }
  }

  static int postsOf(MailgunClient.MailgunClientBuilder client) {
    posts.set(0);
    var mail = Message.builder().from("shop@mg.example.com").to("ada@example.org").subject("Hello").text("Hello");
    try {
      client.logLevel(Logger.Level.NONE).createApi(MailgunMessagesApi.class).sendMessage("mg.example.com", mail.build());
    } catch (FeignException lost) {
      return posts.get();
    }
    throw new IllegalStateException("a send without a reply succeeded");
  }

  static void acceptAll(ServerSocket server) {
    while (true) {
      try (var connection = server.accept()) {
        var reader = new BufferedReader(new InputStreamReader(connection.getInputStream()));
        int length = 0;
        for (String line; !(line = reader.readLine()).isEmpty(); ) {
          if (line.toLowerCase().startsWith("content-length:")) length = Integer.parseInt(line.substring(15).trim());
        }
        for (int read = 0; read < length; read++) reader.read();
        posts.incrementAndGet();
      } catch (IOException closed) {
        return;
      }
    }
  }
}
JAVA
java -cp 'lib/*' Find.java 2> >(grep -v SLF4J >&2)
