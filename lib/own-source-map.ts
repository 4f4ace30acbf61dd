import { decode, encode, type SourceMapSegment } from '@jridgewell/sourcemap-codec';

/** The fields of a source map, version 3, that bundles have. */
export interface SourceMap {
  readonly sources: readonly string[];
  readonly names: readonly string[];
  readonly mappings: string;
}

/**
 * Returns the source map without packages. Node reads a bundle's whole map at every cold start, and most of it would be
 * the SDK. Stack traces name our source lines, and bundle lines for packages.
 */
export function ownSourceMap<Given extends SourceMap>(map: Given): Given {
  const sources = numbered(map.sources, (source) => !source.includes('node_modules/'));
  const names = new Map<number, number>();
  const segmentOf = ([column, source, line, place, name]: SourceMapSegment): SourceMapSegment => {
    const own = source === undefined ? undefined : sources.get(source);
    // A segment with only a column ends the previous mapping.
    if (own === undefined || line === undefined || place === undefined) return [column];
    if (name === undefined) return [column, own, line, place];
    if (!names.has(name)) names.set(name, names.size);
    return [column, own, line, place, names.get(name) ?? 0];
  };
  const mappings = decode(map.mappings).map((line) =>
    line.map(segmentOf).filter((segment, index, all) => segment.length > 1 || (all[index - 1]?.length ?? 1) > 1),
  );
  return {
    ...map,
    sources: map.sources.filter((_, index) => sources.has(index)),
    names: [...names.keys()].map((name) => map.names[name]),
    mappings: encode(mappings),
  };
}

/** Returns the new indexes of the kept values by their old indexes. */
function numbered<T>(values: readonly T[], isKept: (value: T) => boolean): Map<number, number> {
  const kept = [...values.keys()].filter((index) => isKept(values[index] as T));
  return new Map(kept.map((old, now) => [old, now]));
}
