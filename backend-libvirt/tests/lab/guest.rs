//! Real guests: a boot sector on a disk and on a CD, and the XML of domains that run it.

use std::process::Command;

use super::Lab;

/// Size of a sector of a CD.
const CD_SECTOR: usize = 2048;

impl Lab {
    /// Assembles the guest and makes its disk and its CD.
    pub(crate) fn make_images(&self) {
        let sector = self.assemble();
        let mut disk = naming(&sector, "disk");
        disk.resize(1 << 20, 0);
        self.write("images/disk.img", disk);
        self.write("images/cd.iso", cd(&naming(&sector, "cdrom")));
    }

    fn assemble(&self) -> Vec<u8> {
        let source = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../backend-libvirt/tests/lab/guest.S"
        );
        let source = if std::path::Path::new(source).exists() {
            source.to_owned()
        } else {
            concat!(
                env!("CARGO_MANIFEST_DIR"),
                "/../../backend-libvirt/tests/lab/guest.S"
            )
            .to_owned()
        };
        let (object, binary) = (self.path("guest.o"), self.path("guest.bin"));
        run(Command::new("as").args(["--32", "-o"]).arg(&object).arg(source));
        let mut ld = Command::new("ld");
        ld.args(["-m", "elf_i386", "--oformat", "binary", "-Ttext", "0x7c00", "-o"]);
        run(ld.arg(&binary).arg(&object));
        let sector = std::fs::read(binary).unwrap();
        assert_eq!(sector.len(), 512, "the guest is a boot sector");
        sector
    }

    /// Defines a domain that runs the guest: disk first, then CD, then network.
    pub(crate) fn define_guest(&self, name: &str, number: u8) {
        self.define("qemu", &self.guest_xml(name, number));
    }

    /// Where everything goes that a guest says since its power-on.
    fn console_log(&self, name: &str) -> std::path::PathBuf {
        self.path("home").join(format!("{name}.log"))
    }

    /// What a guest has said since its power-on.
    pub(crate) fn said(&self, name: &str) -> String {
        let said = std::fs::read(self.console_log(name)).unwrap_or_default();
        String::from_utf8_lossy(&said).into_owned()
    }

    /// Waits until a guest has said something `times` times since its power-on.
    #[track_caller]
    pub(crate) fn wait_until_said(&self, name: &str, text: &str, times: usize) {
        super::until(
            || format!("{name} did not say {times} x {text:?} but {:?}", self.said(name)),
            || self.said(name).matches(text).count() >= times,
        );
    }

    /// Types at the serial line of a guest, without any connection to libvirt, until it says something new.
    #[track_caller]
    pub(crate) fn type_at(&self, name: &str, keys: &[u8], answer: &str) {
        let said = || self.said(name).matches(answer).count();
        let before = said();
        let line = self.virsh("qemu", &["ttyconsole", name]);
        // QEMU looks only now and then whether somebody has opened the line: it stays open.
        let mut line = std::fs::File::options()
            .read(true)
            .write(true)
            .open(line)
            .unwrap();
        std::io::Write::write_all(&mut line, keys).unwrap();
        super::until(
            || {
                format!(
                    "{name} did not say {answer:?} to {keys:?} but {:?}",
                    self.said(name)
                )
            },
            || said() > before,
        );
    }

    /// The XML of [`define_guest`](Self::define_guest).
    pub(crate) fn guest_xml(&self, name: &str, number: u8) -> String {
        let images = self.path("images").display().to_string();
        let log = self.console_log(name).display().to_string();
        format!(
            "<domain type='qemu'>
  <name>{name}</name>
  <uuid>{}</uuid>
  <memory unit='MiB'>16</memory>
  <vcpu>1</vcpu>
  <os><type arch='x86_64' machine='q35'>hvm</type><bios useserial='yes' rebootTimeout='2000'/></os>
  <features><acpi/><apic/><tcg><tb-cache unit='MiB'>16</tb-cache></tcg></features>
  <on_crash>destroy</on_crash>
  <devices>
    <emulator>/usr/bin/qemu-system-x86_64</emulator>
    <disk type='file' device='disk'><driver name='qemu' type='raw'/><source file='{images}/disk.img'/>
      <target dev='vda' bus='virtio'/><readonly/><shareable/><boot order='1'/></disk>
    <disk type='file' device='cdrom'><driver name='qemu' type='raw'/><source file='{images}/cd.iso'/>
      <target dev='sda' bus='sata'/><readonly/><boot order='2'/></disk>
    <controller type='usb' model='none'/>
    <interface type='user'><mac address='52:54:00:1a:00:{number:02x}'/><model type='virtio'/>
      <boot order='3'/></interface>
    <serial type='pty'><log file='{log}' append='off'/><target port='0'/></serial>
    <console type='pty'><target type='serial' port='0'/></console>
    <memballoon model='none'/>
  </devices>
</domain>
",
            uuid(number)
        )
    }
}

/// UUID of the guest of a number.
pub(crate) fn uuid(number: u8) -> String {
    format!("1ab00000-0000-4000-8000-0000000000{number:02x}")
}

/// The boot sector with the name of what it is booted from.
fn naming(sector: &[u8], source: &str) -> Vec<u8> {
    let place = sector
        .windows(8)
        .position(|window| window == b"SOURCE__")
        .unwrap();
    let mut sector = sector.to_vec();
    sector[place..place + 8].copy_from_slice(format!("{source:<8}").as_bytes());
    sector
}

/// A bootable CD: El Torito without emulation, one boot sector, nothing else.
fn cd(sector: &[u8]) -> Vec<u8> {
    const PRIMARY: usize = 16;
    const CATALOGUE: usize = 19;
    const IMAGE: usize = 20;
    let mut image = vec![0; (IMAGE + 1) * CD_SECTOR];
    let mut put = |sector: usize, offset: usize, bytes: &[u8]| {
        let start = sector * CD_SECTOR + offset;
        image[start..start + bytes.len()].copy_from_slice(bytes);
    };
    put(PRIMARY, 0, b"\x01CD001\x01");
    put(PRIMARY + 1, 0, b"\x00CD001\x01EL TORITO SPECIFICATION");
    put(
        PRIMARY + 1,
        0x47,
        &u32::try_from(CATALOGUE).unwrap().to_le_bytes(),
    );
    put(PRIMARY + 2, 0, b"\xffCD001\x01");
    // Validation entry: its 16-bit words add up to zero.
    put(CATALOGUE, 0, &[1, 0, 0, 0]);
    put(CATALOGUE, 28, &[0xaa, 0x55, 0x55, 0xaa]);
    // Default entry: bootable, no emulation, one sector of 512 bytes.
    put(CATALOGUE, 32, &[0x88, 0, 0, 0, 0, 0, 1, 0]);
    put(CATALOGUE, 40, &u32::try_from(IMAGE).unwrap().to_le_bytes());
    put(IMAGE, 0, sector);
    image
}

fn run(command: &mut Command) {
    let status = command.status();
    let status = status.unwrap_or_else(|error| {
        let program = command.get_program().display();
        panic!("cannot run {program}: {error}; ./test.sh says how to install it")
    });
    assert!(status.success(), "{command:?}");
}
