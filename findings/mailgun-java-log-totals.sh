#!/usr/bin/env bash
# Expected: `LogsRequest.builder().includeTotals(true)` has the Logs API count what it lists, as `include_totals` does.
# Seen: Mailgun's client for Java writes "includeTotals", a name that the API does not document, while its sibling goes
# out as "include_subaccounts". The page comes as ever, and its `total` is null.
# Matters: a program that compares this total with what it stored compares with nothing. In Java the total takes a
# request without the client.
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
import com.mailgun.api.v1.MailgunLogsApi;
import com.mailgun.client.MailgunClient;
import com.mailgun.model.logs.LogsRequest;
import com.sun.net.httpserver.HttpServer;
import feign.Logger;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.concurrent.atomic.AtomicReference;

class Find {
  public static void main(String[] arguments) throws Exception {
    var sent = new AtomicReference<String>();
    var server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.createContext("/v1/analytics/logs", exchange -> {
      sent.set(new String(exchange.getRequestBody().readAllBytes()));
      boolean counts = sent.get().contains("\"include_totals\":true");
      byte[] reply = ("{\"items\":[],\"pagination\":{" + (counts ? "\"total\":7" : "") + "}}").getBytes();
      exchange.getResponseHeaders().add("content-type", "application/json");
      exchange.sendResponseHeaders(200, reply.length);
      exchange.getResponseBody().write(reply);
      exchange.close();
    });
    server.start();
    var client = MailgunClient.config("http://127.0.0.1:" + server.getAddress().getPort() + "/", "key");
    var request = LogsRequest.builder().includeTotals(true).includeSubaccounts(true).build();
    var logs = client.logLevel(Logger.Level.NONE).createApi(MailgunLogsApi.class).getLogs(request);
    server.stop(0);

    System.out.println("mailgun-java 2.1.0");
    System.out.println("includeTotals(true) and includeSubaccounts(true) send: " + sent.get());
    System.out.println("total of the reply: " + logs.getPagination().getTotal());
    if (!sent.get().contains("\"includeTotals\":true") || !sent.get().contains("\"include_subaccounts\":true")) {
      System.out.println("The client writes these fields otherwise than before.");
      System.exit(1);
    }
  }
}
JAVA
java -cp 'lib/*' Find.java 2> >(grep -v SLF4J >&2)
