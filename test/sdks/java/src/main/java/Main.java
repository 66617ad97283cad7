import software.amazon.awssdk.core.sync.RequestBody;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.iam.IamClient;
import software.amazon.awssdk.services.iam.model.EntityAlreadyExistsException;
import software.amazon.awssdk.services.s3.S3Client;
import software.amazon.awssdk.services.sts.StsClient;

/** What people do with the AWS SDK for Java, with no other address than AWS_ENDPOINT_URL. Fails at the first call that does. */
public final class Main {
  private static void expect(String what, Object found, Object wanted) {
    if (!wanted.equals(found)) throw new IllegalStateException(what + ": found " + found + ", not " + wanted);
  }

  public static void main(String[] args) {
    try (var sts = StsClient.create()) {
      expect("account", sts.getCallerIdentity().account(), "000000000000");
    }
    try (var iam = IamClient.builder().region(Region.AWS_GLOBAL).build()) {
      var user = iam.createUser(request -> request.userName("sdk-java").path("/sdks/")).user();
      expect("ARN", user.arn(), "arn:aws:iam::000000000000:user/sdks/sdk-java");
      try {
        iam.createUser(request -> request.userName("sdk-java"));
        throw new IllegalStateException("a second user of the same name was made");
      } catch (EntityAlreadyExistsException expected) {
        expect("status", expected.statusCode(), 409);
      }
      iam.deleteUser(request -> request.userName("sdk-java"));
    }
    String bucket = "revisions";
    String key = "sdk java/app.zip";
    try (var s3 = S3Client.builder().forcePathStyle(true).build()) {
      s3.putObject(request -> request.bucket(bucket).key(key), RequestBody.fromString("from Java"));
      expect("object", s3.getObjectAsBytes(request -> request.bucket(bucket).key(key)).asUtf8String(), "from Java");
    }
    System.out.println("ok");
  }
}
