#!/usr/bin/env bash
# Drives a running twin with Mailgun's client for Java.
set -euo pipefail
. "$(dirname "$0")/options.sh"
need javac
need mvn
cat >"$folder/pom.xml" <<'POM'
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>client</groupId>
  <artifactId>client</artifactId>
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
mvn -q -B -f "$folder/pom.xml" org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies \
  -DincludeScope=runtime -DoutputDirectory="$folder/lib" >&2
java -cp "$folder/lib/*" "$here/JavaClient.java" "$mailgun_url" "$api_key" "$domain" 2> >(grep -v SLF4J >&2)
