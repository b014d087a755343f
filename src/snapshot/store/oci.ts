/**
 * The JSON documents of a store (OCI Image Format Specification 1.1: image-layout.md, image-index.md, manifest.md,
 * descriptor.md), checked by zod before anything uses them.
 *
 * Other properties of such a document are kept: other tools that know the layout may have written them.
 */

import * as z from 'zod';

export const MEDIA_TYPE = {
  index: 'application/vnd.oci.image.index.v1+json',
  manifest: 'application/vnd.oci.image.manifest.v1+json',
  /** The type of an image's config: tools that list images read no other one. */
  config: 'application/vnd.oci.image.config.v1+json',
  /** A .wsnap file. */
  layer: 'application/vnd.wag-snap.snapshot.v1',
} as const;

export const ARTIFACT_TYPE = MEDIA_TYPE.layer;
/** The annotation in the index with the name of a generation. */
export const REFERENCE = 'org.opencontainers.image.ref.name';

/** Only sha256: the store uses no other digest. */
const digest = z.string().regex(/^sha256:[0-9a-f]{64}$/, 'must be sha256: and 64 hex digits');
const size = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER);
const annotations = z.record(z.string().max(256), z.string().max(4096));

export const descriptor = z.object({
  mediaType: z.string().max(256),
  digest,
  size,
  annotations: annotations.optional(),
});

export const layout = z.object({ imageLayoutVersion: z.literal('1.0.0') });

/** Other tools may use other digests, and any annotations; entriesOf() checks those of our entries. */
export const index = z.looseObject({
  schemaVersion: z.literal(2),
  manifests: z
    .array(
      z.looseObject({
        ...descriptor.shape,
        digest: z
          .string()
          .max(1024)
          .regex(/^[a-z0-9]+(?:[+._-][a-z0-9]+)*:[a-zA-Z0-9=_-]+$/, 'is no digest'),
        annotations: z.record(z.string(), z.string()).optional(),
      }),
    )
    .max(1_000_000),
});

export function isSha256(digest: string): boolean {
  return /^sha256:[0-9a-f]{64}$/.test(digest);
}

/** A snapshot's own file, and after it the other files that it needs. */
export const manifest = z.object({
  schemaVersion: z.literal(2),
  artifactType: z.literal(ARTIFACT_TYPE),
  config: descriptor,
  layers: z
    .array(descriptor.extend({ mediaType: z.literal(MEDIA_TYPE.layer) }))
    .min(1)
    .max(1024),
  annotations: annotations.optional(),
});

export type BlobDescriptor = z.infer<typeof descriptor>;
export type Index = z.infer<typeof index>;
export type Manifest = z.infer<typeof manifest>;
