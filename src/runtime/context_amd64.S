/*
 * System V ABI, section 3.2.1: a call preserves rbx, rbp, r12 to r15, and the control bits of
 * mxcsr and the x87 control word. The saved stack, from its pointer upwards:
 *     mxcsr, x87 word | r15 r14 r13 r12 rbx rbp | return address
 * tools/gdb/co.py knows this layout.
 */
    .text
    .globl context_switch
    .hidden context_switch
    .type context_switch, @function
    .p2align 4
context_switch:
    .cfi_startproc
    endbr64
    pushq %rbp
    pushq %rbx
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    subq $8, %rsp
    stmxcsr (%rsp)
    fnstcw 4(%rsp)
    movq %rsp, (%rdi)
    movq (%rsi), %rsp
    ldmxcsr (%rsp)
    fldcw 4(%rsp)
    addq $8, %rsp
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbx
    popq %rbp
    popq %rcx
    movq %rdx, %rax
    notrack jmp *%rcx
    .cfi_endproc
    .size context_switch, . - context_switch

/* First run: rbx holds the entry, rax what the switch handed over. */
    .globl context_start
    .hidden context_start
    .type context_start, @function
    .p2align 4
context_start:
    .cfi_startproc
    .cfi_undefined rip
    endbr64
    xorl %ebp, %ebp
    movq %rax, %rdi
    callq *%rbx
    ud2
    .cfi_endproc
    .size context_start, . - context_start

    .section .note.GNU-stack, "", @progbits
