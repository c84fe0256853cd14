global _start

section .data
text: db "Grüße, 世界 🚀"
size: equ $ - text

section .text
_start:
    mov eax, 1 ; write
    mov edi, 1
    mov rsi, text
    mov edx, size
    syscall
    mov eax, 60 ; exit
    xor edi, edi
    syscall
