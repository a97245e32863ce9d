//! The computer under the station, as a port: what it says of itself. Nothing
//! here judges, and nothing here changes the machine.

/// What was found, or why nobody could look.
pub type Seen<T> = Result<T, String>;

/// A network interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interface {
    /// Its name.
    pub name: String,
    /// It is switched on, whether or not a cable is in.
    pub up: bool,
    /// It talks to this computer only.
    pub loopback: bool,
    /// It is a radio.
    pub wireless: bool,
    /// It hangs on a USB port, and can be pulled out.
    pub usb: bool,
}

/// A socket that takes what comes from elsewhere.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Socket {
    /// `tcp` or `udp`.
    pub protocol: &'static str,
    /// Its port.
    pub port: u16,
    /// It is bound to a loopback address.
    pub local: bool,
}

/// A place that memory is written out to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Swap {
    /// The device or file.
    pub name: String,
    /// It is compressed memory, not a disk.
    pub in_memory: bool,
}

/// A driver that could carry data out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Driver {
    /// The module's name.
    pub name: String,
    /// It serves a radio.
    pub wireless: bool,
}

/// Something that can type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keyboard {
    /// What it calls itself.
    pub name: String,
    /// The USB device that it is, as the kernel counts them: `1-2.3`.
    pub port: Option<String>,
    /// What else the same USB device is: `a disk`.
    pub also: Vec<String>,
    /// No hardware is behind it (uinput, uhid): a program types.
    pub made_by_a_program: bool,
}

/// A limit of the process in bytes; `None` is no limit.
pub type Limit = Option<u64>;

/// What a look at the machine gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// Where memory is written out to.
    pub swaps: Seen<Vec<Swap>>,
    /// Where the kernel sends a crashed program's memory.
    pub core_pattern: Seen<String>,
    /// The largest core file of this process.
    pub core_limit: Seen<Limit>,
    /// The most memory that this process may lock.
    pub locked_limit: Seen<Limit>,
    /// A process that traces this one, by its number.
    pub tracer: Seen<Option<u32>>,
    /// Yama's `ptrace_scope`; `None` on a kernel without Yama.
    pub ptrace_scope: Seen<Option<u8>>,
    /// Network interfaces.
    pub interfaces: Seen<Vec<Interface>>,
    /// Radios by name: wireless network, bluetooth, mobile telephone.
    pub radios: Seen<Vec<String>>,
    /// Loaded drivers of networks.
    pub drivers: Seen<Vec<Driver>>,
    /// Sockets that listen.
    pub sockets: Seen<Vec<Socket>>,
    /// Places at which a file system of another computer is mounted.
    pub network_mounts: Seen<Vec<String>>,
    /// Terminals on which somebody else is logged on, with the program there.
    pub terminals: Seen<Vec<String>>,
    /// What can type, each device once.
    pub keyboards: Seen<Vec<Keyboard>>,
}

/// The computer under the station.
pub trait Machine: Send + Sync {
    /// Looks at it now.
    fn look(&self) -> Facts;

    /// What types or carries a network, as it is attached now: keyboards and
    /// pointers, network interfaces with a device behind them. One that goes and
    /// comes again is another line.
    ///
    /// # Errors
    /// The kernel did not tell, in words.
    fn attached(&self) -> Seen<Vec<String>>;
}
