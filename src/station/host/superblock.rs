//! The id of a file system, as it stands in its first bytes: what blkid shows
//! as UUID.

/// How many of the first bytes are needed.
pub const HEAD: usize = 2048;

/// The id of an ext2/3/4, FAT or exFAT file system.
///
/// Offsets: ext4's `s_magic` 0x38 and `s_uuid` 0x68 in the superblock at 1024
/// (kernel documentation, "ext4 Data Structures"); FAT's `BS_VolID` at 39, or
/// at 67 for FAT32 (Microsoft, "FAT32 File System Specification" 1.03); exFAT's
/// `VolumeSerialNumber` at 100 (Microsoft, "exFAT file system specification").
#[must_use]
pub fn id(head: &[u8]) -> Option<String> {
    let at = |start: usize, len: usize| head.get(start..start + len);
    if at(1024 + 0x38, 2)? == [0x53, 0xEF] {
        let uuid = at(1024 + 0x68, 16)?;
        let hex: String = uuid.iter().map(|byte| format!("{byte:02x}")).collect();
        let part = |from: usize, to: usize| hex.get(from..to).unwrap_or_default();
        return Some(format!(
            "{}-{}-{}-{}-{}",
            part(0, 8),
            part(8, 12),
            part(12, 16),
            part(16, 20),
            part(20, 32)
        ));
    }
    if at(3, 8)? == b"EXFAT   " {
        return volume(at(100, 4)?);
    }
    if at(510, 2)? != [0x55, 0xAA] {
        return None;
    }
    if at(82, 5)? == b"FAT32" {
        return volume(at(67, 4)?);
    }
    if at(54, 3)? == b"FAT" {
        return volume(at(39, 4)?);
    }
    None
}

fn volume(number: &[u8]) -> Option<String> {
    let number = u32::from_le_bytes(number.try_into().ok()?);
    Some(format!("{:04X}-{:04X}", number >> 16, number & 0xFFFF))
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    const ADVICE: &str = "run ./scripts/test, which installs it";

    fn run(program: &str, args: &[&str]) -> String {
        let done = Command::new(program)
            .args(args)
            .output()
            .unwrap_or_else(|_| panic!("{program} is missing: {ADVICE}"));
        assert!(done.status.success(), "{program} {args:?}: {done:?}");
        String::from_utf8(done.stdout).unwrap()
    }

    fn agrees_with_blkid(make: &dyn Fn(&str)) {
        let dir = tempfile::tempdir().unwrap();
        let image = dir.path().join("image");
        std::fs::File::create(&image)
            .unwrap()
            .set_len(40 << 20)
            .unwrap();
        let image = image.to_str().unwrap();
        make(image);
        let theirs = run("/sbin/blkid", &["-p", "-s", "UUID", "-o", "value", image]);
        let head = std::fs::read(image).unwrap();
        assert_eq!(id(&head[..HEAD]).as_deref(), Some(theirs.trim()));
    }

    #[test]
    fn ext4_is_named_as_blkid_names_it() {
        agrees_with_blkid(&|image| {
            run("/sbin/mkfs.ext4", &["-q", image]);
        });
    }

    #[test]
    fn fat_is_named_as_blkid_names_it() {
        for kind in [["-F"].as_slice(), &[]] {
            agrees_with_blkid(&|image| {
                let mut args = vec!["-i", image, "-N", "CAFE0041"];
                args.extend(kind);
                args.push("::");
                run("mformat", &args);
            });
        }
    }

    #[test]
    fn nonsense_has_no_id_and_short_heads_none_either() {
        assert_eq!(id(&[0; HEAD]), None);
        assert_eq!(id(&[0xFF; HEAD]), None);
        for len in 0..HEAD {
            let _ = id(&vec![0x55; len]);
        }
    }
}
