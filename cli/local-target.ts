import { readFileSync } from 'node:fs';
import { OutOfReach, type Target } from './target.ts';

interface Running {
  readonly controlUrl: string;
  readonly domains: readonly string[];
}

/** The running local stack of a webhook port; `folder` holds what each says of itself. */
export function findLocal(port: number, folder: URL): Target {
  const { controlUrl, domains } = readRunning(port, folder);
  return {
    domains,
    async invoke(functionName, event) {
      const response = await fetch(`${controlUrl}/invoke/${functionName}`, {
        method: 'POST',
        body: JSON.stringify(event),
      }).catch((cause) => {
        throw new OutOfReach(`the local stack of port ${port} does not answer; is it still running?`, { cause });
      });
      const answer = await response.text();
      if (!response.ok) throw new OutOfReach(`${functionName} of the local stack failed: ${answer.trim()}`);
      return JSON.parse(answer);
    },
  };
}

function readRunning(port: number, folder: URL): Running {
  try {
    return JSON.parse(readFileSync(new URL(`${port}.json`, folder), 'utf8'));
  } catch {
    throw new OutOfReach(`no local stack is running on port ${port}; start one with: npm start -- --port ${port}`);
  }
}
