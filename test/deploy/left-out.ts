import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

interface Template {
  Resources: Record<string, { Type: string }>;
}

/** All that the emulator cannot create; nothing else differs from what is deployed to AWS. */
const LEFT_OUT: readonly { readonly type: string; readonly because: string }[] = [];

/** Takes out of a synthesized assembly what the emulator cannot create; answers a line for each. */
export async function leaveOut(folder: string): Promise<string[]> {
  const lines: string[] = [];
  for (const file of await readdir(folder)) {
    if (!file.endsWith('.template.json')) continue;
    const path = join(folder, file);
    const template = JSON.parse(await readFile(path, 'utf8')) as Template;
    for (const { type, because } of LEFT_OUT) {
      const found = Object.entries(template.Resources).filter(([, { Type }]) => Type === type);
      for (const [id] of found) delete template.Resources[id];
      if (found.length > 0) lines.push(`left out: ${found.length} of ${type}: ${because}`);
    }
    await writeFile(path, JSON.stringify(template));
  }
  return lines;
}
