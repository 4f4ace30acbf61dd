import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const GLOSSARY = join(import.meta.dirname, '../../docs/glossary.md');

/** Returns the words that no text may hold: those of the glossary's *Avoid:* lines that have no other meaning. */
export function avoidedWords(glossary = readFileSync(GLOSSARY, 'utf8')): string[] {
  const lists = [...glossary.matchAll(/^\*Avoid:\* (.+)\.$/gm)].map(([, list = '']) => list);
  return lists.flatMap((list) => list.split(/, (?![^(]*\))/)).filter((word) => !word.includes('('));
}

/** Returns every avoided word of a text, with the words around it. */
export function findAvoided(text: string, words: readonly string[]): string[] {
  const prose = proseOf(text);
  return words.flatMap((word) =>
    [...prose.matchAll(wordPattern(word))].map(({ index }) => {
      const around = prose.slice(Math.max(0, index - 40), index + word.length + 40).replaceAll(/\s+/g, ' ');
      return `"${word}" in: ${around.trim()}`;
    }),
  );
}

/** Also in plural and as a form of a verb, but not as a part of a name such as `callback-url`. */
const wordPattern = (word: string) =>
  new RegExp(`(?<![\\w/.@-])${word.replaceAll(' ', '\\s+')}(?:s|es|ed|ing)?(?![\\w@/-]|\\.\\w)`, 'gi');

/** Leaves out what only quotes a name: code, options, placeholders, links' targets, and the lists of avoided words. */
function proseOf(text: string): string {
  return text
    .replaceAll(/^\*Avoid:\*.*$/gm, '')
    .replaceAll(/^ *```(?:json|python|sql|ts|http|mermaid)[\s\S]*?^ *```$/gm, '')
    .replaceAll(/`[^`\n]+`/g, '``')
    .replaceAll(/\]\([^)]*\)/g, ']')
    .replaceAll(/--[a-z][\w-]*|<[^>\n]*>|"[\w.-]+"|https?:\S+/g, '');
}
