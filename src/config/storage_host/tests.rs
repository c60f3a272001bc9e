use super::*;

fn usual(host: &str) -> String {
    match of_host(host) {
        HostRegion::Usual(region) => region,
        other => panic!("{host}: {other:?}"),
    }
}

fn fixed(host: &str) -> String {
    match of_host(host) {
        HostRegion::Fixed(region) => region,
        other => panic!("{host}: {other:?}"),
    }
}

#[test]
fn a_host_names_its_region() {
    for (host, region) in [
        ("s3.fr-par.scw.cloud", "fr-par"),
        ("s3.eu-central-1.wasabisys.com", "eu-central-1"),
        ("s3.nl-1.wasabisys.com", "eu-central-1"),
        ("s3.wasabisys.com", "us-east-1"),
        ("s3.de-1.idrivee2.com", "de-1"),
        ("de-1.linodeobjects.com", "de-1"),
        ("fra1.digitaloceanspaces.com", "fra1"),
        ("s3.gra.io.cloud.ovh.net", "gra"),
        ("s3.eu-west-par.io.cloud.ovh.net", "eu-west-par"),
        ("s3.us-east-va.io.cloud.ovh.us", "us-east-va"),
        ("s3.gra.perf.cloud.ovh.net", "gra"),
        ("s3.gra.cloud.ovh.net", "gra"),
        ("us-east-1.linodeobjects.com", "us-east-1"),
        ("fsn1.your-objectstorage.com", "fsn1"),
        ("ewr1.vultrobjects.com", "ewr1"),
        ("sos-ch-gva-2.exo.io", "ch-gva-2"),
        ("s3.eu-de.cloud-object-storage.appdomain.cloud", "eu-de"),
        ("s3.amazonaws.com", "us-east-1"),
    ] {
        assert_eq!(usual(host), region, "{host}");
    }
}

#[test]
fn a_host_of_aws_or_backblaze_has_one_region() {
    for (host, region) in [
        ("s3.eu-central-1.amazonaws.com", "eu-central-1"),
        ("s3-eu-west-1.amazonaws.com", "eu-west-1"),
        ("s3.dualstack.eu-west-3.amazonaws.com", "eu-west-3"),
        ("s3-fips.us-gov-west-1.amazonaws.com", "us-gov-west-1"),
        ("s3.cn-northwest-1.amazonaws.com.cn", "cn-northwest-1"),
        ("s3.eusc-de-east-1.amazonaws.eu", "eusc-de-east-1"),
        (
            "bucket.vpce-1a2b-3c4d.s3.us-east-1.vpce.amazonaws.com",
            "us-east-1",
        ),
        ("s3.us-west-004.backblazeb2.com", "us-west-004"),
    ] {
        assert_eq!(fixed(host), region, "{host}");
    }
}

#[test]
fn others_accept_auto_or_need_a_region() {
    for host in [
        "fly.storage.tigris.dev",
        "t3.storage.dev",
        "storage.googleapis.com",
    ] {
        assert_eq!(of_host(host), HostRegion::Auto, "{host}");
    }
    for host in [
        "0123abc.r2.cloudflarestorage.com",
        "0123abc.eu.r2.cloudflarestorage.com",
    ] {
        assert_eq!(of_host(host), HostRegion::R2, "{host}");
    }
    for host in [
        "oss-cn-hangzhou.aliyuncs.com",
        "s3.oss-cn-hangzhou-internal.aliyuncs.com",
        "s3-accelerate.amazonaws.com",
    ] {
        assert_eq!(of_host(host), HostRegion::Unstated, "{host}");
    }
    for host in [
        "minio.example.com",
        "s3.example.com",
        "calls.fra1.digitaloceanspaces.com",
        "calls.s3.fr-par.scw.cloud",
        "digitaloceanspaces.com",
        "10.0.0.1",
        "minio-1.eu-central-1.elb.amazonaws.com",
        "fakescw.cloud",
    ] {
        assert_eq!(of_host(host), HostRegion::Unknown, "{host}");
    }
}

#[test]
fn a_bucket_in_front_of_a_known_host_is_found() {
    for host in [
        "calls.s3.eu-central-1.amazonaws.com",
        "calls.s3-eu-west-1.amazonaws.com",
        "calls.s3.amazonaws.com",
        "calls.fra1.digitaloceanspaces.com",
        "calls.0123456789abcdef0123456789abcdef.r2.cloudflarestorage.com",
        "calls.0123abc.eu.r2.cloudflarestorage.com",
        "calls.storage.googleapis.com",
        "calls.fly.storage.tigris.dev",
        "calls.s3.us-west-004.backblazeb2.com",
        "calls.oss-cn-hangzhou.aliyuncs.com",
        "calls.cos.ap-guangzhou.myqcloud.com",
    ] {
        assert_eq!(bucket_in(host), Some("calls"), "{host}");
    }
    let dotted = "my.calls.s3.eu-central-1.amazonaws.com";
    assert_eq!(bucket_in(dotted), Some("my.calls"));
    for host in [
        "s3.eu-central-1.amazonaws.com",
        "s3.amazonaws.com",
        "s3-fips.dualstack.us-east-1.amazonaws.com",
        "bucket.vpce-1a2b-3c4d.s3.us-east-1.vpce.amazonaws.com",
        "0123abc.eu.r2.cloudflarestorage.com",
        "fly.storage.tigris.dev",
        "s3.oss-cn-hangzhou.aliyuncs.com",
        "minio.example.com",
        "localhost",
    ] {
        assert_eq!(bucket_in(host), None, "{host}");
    }
}
