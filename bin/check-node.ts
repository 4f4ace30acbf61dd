// JavaScript alone, and so are the files that require it: an older Node must get as far as this sentence. As CommonJS it
// reads a file of any name as JavaScript, where it would refuse a module called .ts.
if (!process.features.typescript) {
  console.error(
    `Node ${process.version} reads no TypeScript, which takes 22.18 or later: begin the command with node_modules/.bin/node, as npm run does.`,
  );
  process.exit(1);
}
