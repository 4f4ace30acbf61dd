/** A line in the stage's own format; what this gateway does not know is `-`, as AWS writes what is not there. */
export function formatAccessLog(format: string, values: Readonly<Record<string, string | number | undefined>>): string {
  return format.replaceAll(/\$context\.([A-Za-z.]+)/g, (_, name: string) => String(values[name] ?? '-'));
}
