import { parseJavaVersion } from '../../../../../tools/local-stack/engines/dynamodb-local.ts';

test.each([
  { output: 'openjdk version "17.0.15" 2025-04-15\nOpenJDK Runtime Environment', version: 17 },
  { output: 'openjdk version "21" 2023-09-19', version: 21 },
  { output: 'java version "1.8.0_401"', version: 8 },
  { output: 'Picked up _JAVA_OPTIONS: -Xmx1g\nopenjdk version "11.0.2" 2019-01-15', version: 11 },
  { output: 'Unable to locate a Java Runtime.', version: undefined },
])('Java $version', ({ output, version }) => {
  expect(parseJavaVersion(output)).toBe(version);
});
