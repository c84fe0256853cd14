; Reads its input and ends: the assembler and the linker have no libraries.
global _start
section .bss
buffer: resb 64
section .text
_start:
    xor eax, eax
    xor edi, edi
    mov rsi, buffer
    mov edx, 64
    syscall
    mov eax, 60
    xor edi, edi
    syscall
