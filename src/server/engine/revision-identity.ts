/** What makes two revision locations the same revision. Pure. */

/** A revision location as the API has it, as far as its identity goes. */
export interface RevisionLocationShape {
  readonly revisionType?: string | undefined;
  readonly s3Location?:
    | {
        readonly bucket?: string | undefined;
        readonly key?: string | undefined;
        readonly version?: string | undefined;
        readonly eTag?: string | undefined;
      }
    | undefined;
  readonly gitHubLocation?:
    | { readonly repository?: string | undefined; readonly commitId?: string | undefined }
    | undefined;
}

/** S3: bucket, key, and version or ETag as far as given; GitHub: repository and commit. ETags may come wrapped in quotes. */
export function identityOf(location: RevisionLocationShape): string {
  const { s3Location, gitHubLocation } = location;
  if (location.revisionType === 'GitHub') {
    return JSON.stringify(['GitHub', gitHubLocation?.repository ?? '', gitHubLocation?.commitId ?? '']);
  }
  const eTag = s3Location?.eTag?.replaceAll('"', '') ?? null;
  return JSON.stringify(['S3', s3Location?.bucket ?? '', s3Location?.key ?? '', s3Location?.version ?? null, eTag]);
}

/** The beginning that the identities of all objects in a bucket share whose keys begin so. */
export function s3IdentityPrefix(bucket: string, keyPrefix: string): string {
  return JSON.stringify(['S3', bucket, keyPrefix]).slice(0, -'"]'.length);
}

export function revisionIdentity(locationJson: string): string {
  return identityOf(JSON.parse(locationJson) as RevisionLocationShape);
}
