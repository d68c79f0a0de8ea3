//! Units of sensors (IPMI 2.0 §43.17).

use crate::wire::code_points;

code_points! {
    /// What a sensor's value counts (IPMI 2.0 §43.17).
    pub struct Unit(u8) {
        UNSPECIFIED = 0, "unspecified";
        DEGREES_C = 1, "degrees C";
        DEGREES_F = 2, "degrees F";
        DEGREES_K = 3, "degrees K";
        VOLTS = 4, "volts";
        AMPS = 5, "amps";
        WATTS = 6, "watts";
        JOULES = 7, "joules";
        COULOMBS = 8, "coulombs";
        VOLT_AMPERES = 9, "VA";
        NITS = 10, "nits";
        LUMEN = 11, "lumen";
        LUX = 12, "lux";
        CANDELA = 13, "candela";
        KILOPASCAL = 14, "kPa";
        PSI = 15, "PSI";
        NEWTON = 16, "newton";
        CUBIC_FEET_PER_MINUTE = 17, "CFM";
        ROTATIONS_PER_MINUTE = 18, "RPM";
        HERTZ = 19, "Hz";
        MICROSECONDS = 20, "microseconds";
        MILLISECONDS = 21, "milliseconds";
        SECONDS = 22, "seconds";
        MINUTES = 23, "minutes";
        HOURS = 24, "hours";
        DAYS = 25, "days";
        WEEKS = 26, "weeks";
        MIL = 27, "mil";
        INCHES = 28, "inches";
        FEET = 29, "feet";
        CUBIC_INCHES = 30, "cubic inches";
        CUBIC_FEET = 31, "cubic feet";
        MILLIMETRES = 32, "mm";
        CENTIMETRES = 33, "cm";
        METRES = 34, "m";
        CUBIC_CENTIMETRES = 35, "cubic cm";
        CUBIC_METRES = 36, "cubic m";
        LITRES = 37, "litres";
        FLUID_OUNCES = 38, "fluid ounces";
        RADIANS = 39, "radians";
        STERADIANS = 40, "steradians";
        REVOLUTIONS = 41, "revolutions";
        CYCLES = 42, "cycles";
        GRAVITIES = 43, "gravities";
        OUNCES = 44, "ounces";
        POUNDS = 45, "pounds";
        FOOT_POUNDS = 46, "foot-pounds";
        OUNCE_INCHES = 47, "ounce-inches";
        GAUSS = 48, "gauss";
        GILBERTS = 49, "gilberts";
        HENRY = 50, "henry";
        MILLIHENRY = 51, "millihenry";
        FARAD = 52, "farad";
        MICROFARAD = 53, "microfarad";
        OHMS = 54, "ohms";
        SIEMENS = 55, "siemens";
        MOLE = 56, "mole";
        BECQUEREL = 57, "becquerel";
        PARTS_PER_MILLION = 58, "PPM";
        DECIBELS = 60, "decibels";
        DECIBELS_A = 61, "dBA";
        DECIBELS_C = 62, "dBC";
        GRAY = 63, "gray";
        SIEVERT = 64, "sievert";
        COLOUR_TEMPERATURE_K = 65, "colour temperature in degrees K";
        BITS = 66, "bits";
        KILOBITS = 67, "kilobits";
        MEGABITS = 68, "megabits";
        GIGABITS = 69, "gigabits";
        BYTES = 70, "bytes";
        KILOBYTES = 71, "kilobytes";
        MEGABYTES = 72, "megabytes";
        GIGABYTES = 73, "gigabytes";
        WORDS = 74, "words";
        DOUBLE_WORDS = 75, "double words";
        QUAD_WORDS = 76, "quad words";
        LINES = 77, "memory lines";
        HITS = 78, "hits";
        MISSES = 79, "misses";
        RETRIES = 80, "retries";
        RESETS = 81, "resets";
        OVERFLOWS = 82, "overflows or overruns";
        UNDERRUNS = 83, "underruns";
        COLLISIONS = 84, "collisions";
        PACKETS = 85, "packets";
        MESSAGES = 86, "messages";
        CHARACTERS = 87, "characters";
        ERRORS = 88, "errors";
        CORRECTABLE_ERRORS = 89, "correctable errors";
        UNCORRECTABLE_ERRORS = 90, "uncorrectable errors";
        FATAL_ERRORS = 91, "fatal errors";
        GRAMS = 92, "grams";
    }
}

code_points! {
    /// The time that a rate is per, 3 bits.
    pub struct RateUnit(u8) {
        NONE = 0, "none";
        PER_MICROSECOND = 1, "per microsecond";
        PER_MILLISECOND = 2, "per millisecond";
        PER_SECOND = 3, "per second";
        PER_MINUTE = 4, "per minute";
        PER_HOUR = 5, "per hour";
        PER_DAY = 6, "per day";
    }
}

code_points! {
    /// How a second unit joins the first, 2 bits.
    pub struct UnitModifier(u8) {
        NONE = 0, "none";
        DIVIDE = 1, "base unit per modifier unit";
        MULTIPLY = 2, "base unit times modifier unit";
    }
}
