// What people do with the AWS SDK for Go, with no other address than AWS_ENDPOINT_URL. Exits 1 at the first call that fails.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/codedeploy"
	deploytypes "github.com/aws/aws-sdk-go-v2/service/codedeploy/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

func must[T any](what string) func(T, error) T {
	return func(value T, err error) T {
		if err != nil {
			fmt.Fprintf(os.Stderr, "%s: %v\n", what, err)
			os.Exit(1)
		}
		return value
	}
}

func expect(what string, found, wanted string) {
	if found != wanted {
		fmt.Fprintf(os.Stderr, "%s: found %q, not %q\n", what, found, wanted)
		os.Exit(1)
	}
}

func main() {
	ctx := context.Background()
	cfg := must[aws.Config]("config")(config.LoadDefaultConfig(ctx))

	who := must[*sts.GetCallerIdentityOutput]("GetCallerIdentity")(sts.NewFromConfig(cfg).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{}))
	expect("account", *who.Account, "000000000000")

	users := iam.NewFromConfig(cfg)
	name := aws.String("sdk-go")
	made := must[*iam.CreateUserOutput]("CreateUser")(users.CreateUser(ctx, &iam.CreateUserInput{UserName: name, Path: aws.String("/sdks/")}))
	expect("ARN", *made.User.Arn, "arn:aws:iam::000000000000:user/sdks/sdk-go")
	_, err := users.CreateUser(ctx, &iam.CreateUserInput{UserName: name})
	if err == nil || !strings.Contains(err.Error(), "EntityAlreadyExists") {
		expect("a second user", fmt.Sprint(err), "EntityAlreadyExists")
	}
	must[*iam.DeleteUserOutput]("DeleteUser")(users.DeleteUser(ctx, &iam.DeleteUserInput{UserName: name}))

	store := s3.NewFromConfig(cfg, func(o *s3.Options) { o.UsePathStyle = true })
	bucket, key := aws.String("revisions"), aws.String("sdk go/app.zip")
	must[*s3.PutObjectOutput]("PutObject")(store.PutObject(ctx, &s3.PutObjectInput{Bucket: bucket, Key: key, Body: strings.NewReader("from Go")}))
	got := must[*s3.GetObjectOutput]("GetObject")(store.GetObject(ctx, &s3.GetObjectInput{Bucket: bucket, Key: key}))
	expect("object", string(must[[]byte]("read")(io.ReadAll(got.Body))), "from Go")

	deploy := codedeploy.NewFromConfig(cfg)
	app := aws.String("sdk-go")
	must[*codedeploy.CreateApplicationOutput]("CreateApplication")(deploy.CreateApplication(ctx, &codedeploy.CreateApplicationInput{ApplicationName: app}))
	revision := &deploytypes.RevisionLocation{
		RevisionType: deploytypes.RevisionLocationTypeS3,
		S3Location:   &deploytypes.S3Location{Bucket: bucket, Key: key, BundleType: deploytypes.BundleTypeZip},
	}
	must[*codedeploy.RegisterApplicationRevisionOutput]("RegisterApplicationRevision")(deploy.RegisterApplicationRevision(ctx, &codedeploy.RegisterApplicationRevisionInput{ApplicationName: app, Revision: revision}))
	list := must[*codedeploy.ListApplicationRevisionsOutput]("ListApplicationRevisions")(deploy.ListApplicationRevisions(ctx, &codedeploy.ListApplicationRevisionsInput{ApplicationName: app}))
	expect("revisions", fmt.Sprint(len(list.Revisions)), "1")
	fmt.Println("ok")
}
