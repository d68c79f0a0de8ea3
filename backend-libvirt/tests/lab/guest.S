# The guest of the tests: 512 bytes that say over the serial line what they were booted from, and what happens
# to them. Boots from a disk, from a CD (El Torito without emulation), and from the network.
#
#   any character   comes back; Return with a line feed
#   Ctrl-R          reboots the machine, as an operating system would
#   power button    says so and switches the machine off (ACPI)
#   NMI             says so
#
# Build: as --32 -o guest.o guest.S && ld -m elf_i386 --oformat binary -Ttext 0x7c00 -o guest.bin guest.o

    .code16
    .globl _start

    .set COM1,        0x3f8
    .set PM1_EVENT,   0x600      # of QEMU's q35 and pc: power management block at 0x600
    .set PM1_ENABLE,  0x602
    .set PM1_CONTROL, 0x604
    .set POWER_BUTTON, 0x0100
    .set SLEEP_S5,    0x2000

_start:
    cli
    cld
    # Wherever the firmware entered: continue at 0:next.
    ljmp $0, $next
next:
    xor %ax, %ax
    mov %ax, %ds
    mov %ax, %es
    mov %ax, %ss
    mov $0x7c00, %sp

    # Own handlers: NMI, timer, COM1. The latter two only end the halt.
    movw $nmi, 2*4
    movw %ax, 2*4+2
    movw $wake, 8*4
    movw %ax, 8*4+2
    movw $wake, 12*4
    movw %ax, 12*4+2
    in $0x21, %al
    and $0xee, %al
    out %al, $0x21

    # The power button is to be noted; what was noted before is cleared.
    mov $PM1_ENABLE, %dx
    mov $POWER_BUTTON, %ax
    out %ax, %dx
    mov $PM1_EVENT, %dx
    out %ax, %dx

    # 8 bits without parity, FIFO, interrupt for what arrives.
    mov $COM1+3, %dx
    mov $0x03, %al
    out %al, %dx
    mov $COM1+2, %dx
    mov $0x01, %al
    out %al, %dx
    mov $COM1+1, %dx
    out %al, %dx
    mov $COM1+4, %dx
    mov $0x0b, %al
    out %al, %dx

    mov $banner, %si
    call print

idle:
    sti
    hlt
    mov $PM1_EVENT, %dx
    in %dx, %ax
    test $POWER_BUTTON >> 8, %ah
    jnz power_off
serial:
    mov $COM1+5, %dx
    in %dx, %al
    test $0x01, %al
    jz idle
    mov $COM1, %dx
    in %dx, %al
    cmp $0x12, %al
    je reboot
    call put
    cmp $'\r', %al
    jne serial
    mov $'\n', %al
    call put
    jmp serial

power_off:
    mov $off_text, %si
    call print
    mov $PM1_CONTROL, %dx
    mov $SLEEP_S5, %ax
    out %ax, %dx
    jmp idle

reboot:
    mov $reboot_text, %si
    call print
    mov $0x0cf9, %dx
    mov $0x06, %al
    out %al, %dx
    jmp idle

# Prints the text at SI, up to a zero.
print:
    lodsb
    test %al, %al
    jz 1f
    call put
    jmp print
1:  ret

# Prints the character in AL; waits until there is room for it.
put:
    push %dx
    push %ax
    mov $COM1+5, %dx
1:  in %dx, %al
    test $0x20, %al
    jz 1b
    pop %ax
    mov $COM1, %dx
    out %al, %dx
    pop %dx
    ret

nmi:
    pusha
    mov $nmi_text, %si
    call print
    popa
    iret

wake:
    push %ax
    mov $0x20, %al
    out %al, $0x20
    pop %ax
    iret

off_text:    .asciz "\r\nguest: power button\r\n"
reboot_text: .asciz "\r\nguest: reboots\r\n"
nmi_text:    .asciz "\r\nguest: NMI\r\n"
banner:      .ascii "\r\nguest: booted from "
source:      .asciz "SOURCE__\r\nguest> "

    .org 510
    .word 0xaa55
